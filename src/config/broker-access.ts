// Who may do what.

import { boolean, password, string } from './definition.ts';

/** The names that Kafka's own authorizer had over the years: there is one here, for all of them. */
const authorizerNames: readonly string[] = [
  '',
  'kafka.security.auth.SimpleAclAuthorizer',
  'kafka.security.authorizer.AclAuthorizer',
  'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
];

export const brokerAccess = {
  'authorizer.class.name': string(
    '',
    'Class that decides who may do what; empty to let everybody do everything.',
    { importance: 'low', oneOf: authorizerNames },
  ),
  'super.users': string('', 'Users who may do everything whatever the ACLs say: User:a;User:b.', {
    importance: 'low',
    shape: 'principals of the form TYPE:NAME, such as User:alice, between semicolons',
    check: (value) => {
      const users = value.split(';').map((each) => each.trim());
      return users.every((user) => user === '' || user.includes(':'));
    },
  }),
  'password.encoder.secret': password(
    'Encrypts passwords that are altered over the wire in the metadata; the same for all brokers.',
  ),
  'password.encoder.old.secret': password('The secret before, for what it has encrypted.'),
  'allow.everyone.if.no.acl.found': boolean(
    false,
    'Whether everybody may use a resource that no ACL is about.',
    { importance: 'low' },
  ),
};
