// What a broker loads when it is first asked for it, loaded beforehand: that takes time which the
// clock of a simulated world does not know of.

import '../../../src/broker/handlers/create-delegation-token.ts';
import '../../../src/broker/handlers/describe-delegation-token.ts';
import '../../../src/broker/handlers/expire-delegation-token.ts';
import '../../../src/broker/handlers/renew-delegation-token.ts';
import '../../../src/metadata/controller/tokens.ts';
