// The contract of cluster stores, kept by the client and the server as they are, over a network
// that fails.

import { sharedStores } from '../../../../tests/doubles/metadata/shared-stores.ts';
import { clusterStoreContract } from '../../cluster-store-contract.ts';
import { clusterStoreOutagesContract } from '../../cluster-store-outages-contract.ts';

clusterStoreContract('shared, over a network', sharedStores());
clusterStoreOutagesContract('shared, over a network', sharedStores());
