// Who may do what.

import { boolean, int, long, password, string } from './definition.ts';

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
  'audit.log.file': string(
    null,
    'File that gets a line for everybody who was let in, or was refused something.',
    { importance: 'low' },
  ),
  'audit.log.file.bytes.max': long(
    100 * 1024 * 1024,
    'Size at which that file becomes FILE.1 and another one begins, in bytes.',
    { importance: 'low', min: 64 * 1024 },
  ),
  'audit.log.topic': string(
    null,
    'Topic that gets the same, in a partition that this broker leads; it must be there.',
    { importance: 'low' },
  ),
  'audit.log.events.per.second.max': int(
    100,
    'Most lines of a second; a quarter of them for one address. The others are counted.',
    { importance: 'low', min: 1 },
  ),
  'allow.everyone.if.no.acl.found': boolean(
    false,
    'Whether everybody may use a resource that no ACL is about.',
    { importance: 'low' },
  ),
};
