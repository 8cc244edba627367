// BrokerRegistration (KIP-631): a broker joins the cluster; it is fenced until it has caught up.

import { brokerRegistration } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

export const brokerRegistrationHandler = defineHandler(
  brokerRegistration,
  async (request, context) => {
    assertMayOnCluster(context, AclOperation.CLUSTER_ACTION);
    const { features, isMigratingZkBroker: _, ...registration } = request;
    const { brokerEpoch } = await context.broker.ownController.registerBroker({
      ...registration,
      features: new Map(
        features.map(({ name, minSupportedVersion, maxSupportedVersion }) => {
          return [name, { minVersion: minSupportedVersion, maxVersion: maxSupportedVersion }];
        }),
      ),
      fenced: true,
    });
    return { errorCode: 0, brokerEpoch };
  },
);
