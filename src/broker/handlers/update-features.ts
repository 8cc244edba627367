// UpdateFeatures (KIP-584): raises and lowers what the whole cluster may rely on. One refused
// feature refuses the request, and every feature of it says so.

import type { FeatureUpdate } from '../../metadata/index.ts';
import { KafkaError, type RequestOf, updateFeatures } from '../../protocol/index.ts';
import { AclOperation, assertMayOnCluster } from '../authorization.ts';
import { defineHandler } from '../handler.ts';

type Update = RequestOf<typeof updateFeatures>['featureUpdates'][number];

/** By number, from 1 on. */
const upgradeTypes = ['upgrade', 'safe-downgrade', 'unsafe-downgrade'] as const;

export const updateFeaturesHandler = defineHandler(updateFeatures, async (request, context) => {
  assertMayOnCluster(context, AclOperation.ALTER);
  const updates = request.featureUpdates.map((update) => updateOf(update, context.apiVersion));
  const names = new Set(updates.map(({ feature }) => feature));
  if (names.size < updates.length) {
    throw new KafkaError('INVALID_REQUEST', 'a feature is in the request twice');
  }
  const { validateOnly } = request;
  const results = await context.broker
    .controllerFor(context.client)
    .updateFeatures({ updates, validateOnly });
  const refused = results.find(({ error }) => error !== null)?.error ?? null;
  if (refused !== null) {
    const message =
      'The update failed for all features since the following feature had an error: ' +
      refused.message;
    throw KafkaError.fromCode(refused.code, message);
  }
  const success = { errorCode: 0, errorMessage: null };
  return { ...success, results: results.map(({ feature }) => ({ feature, ...success })) };
});

function updateOf(update: Update, version: number): FeatureUpdate {
  const { feature, maxVersionLevel } = update;
  if (feature === '') throw new KafkaError('INVALID_REQUEST', 'a feature has no name');
  if (maxVersionLevel < 0) {
    throw new KafkaError('INVALID_REQUEST', `feature ${feature} cannot have a level below 0`);
  }
  if (version === 0) {
    const upgradeType = update.allowDowngrade ? 'safe-downgrade' : 'upgrade';
    return { feature, maxVersionLevel, upgradeType };
  }
  const upgradeType = upgradeTypes[update.upgradeType - 1];
  if (upgradeType === undefined) {
    throw new KafkaError('INVALID_REQUEST', `there is no upgrade type ${update.upgradeType}`);
  }
  return { feature, maxVersionLevel, upgradeType };
}
