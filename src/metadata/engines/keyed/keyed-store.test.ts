// The contract of cluster stores, kept over keys with versions: over a system in memory that is as
// unkind as the port allows.

import { keyedStores } from '../../../../tests/doubles/metadata/keyed-stores.ts';
import { clusterStoreContract } from '../../cluster-store-contract.ts';
import { clusterStoreOutagesContract } from '../../cluster-store-outages-contract.ts';

clusterStoreContract('keys with versions', keyedStores());
clusterStoreOutagesContract('keys with versions', keyedStores());
