// oidc-provider, which is certified for OpenID Connect, as a process of its own: prints "listening
// PORT", and "rotated" when a line of stdin has had it forget its key and make another.
//
// Each of its clients gets signed tokens by its own id and secret (client_credentials), and differs
// in whom its tokens are for and in how long they last. Arguments: the folder that has the package,
// and the clients in JSON.

import { generateKeyPairSync } from 'node:crypto';
import { createServer, type RequestListener } from 'node:http';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

export interface OidcClient {
  readonly id: string;
  readonly secret: string;
  readonly audience: string;
  readonly lifetimeSeconds: number;
}

/** What is used of the package. */
interface OidcProvider {
  callback(): RequestListener;
}
type ProviderClass = new (issuer: string, configuration: object) => OidcProvider;

async function serve(folder: string, clients: readonly OidcClient[]): Promise<void> {
  const entry = join(folder, 'node_modules/oidc-provider/lib/index.js');
  const Provider = ((await import(pathToFileURL(entry).href)) as { default: ProviderClass })
    .default;
  let issuer = '';
  let keys = 0;
  let answer: RequestListener = () => {};
  const server = createServer((request, response) => answer(request, response));
  const rotate = (): void => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const key = { ...privateKey.export({ format: 'jwk' }), kid: `key-${++keys}`, use: 'sig' };
    answer = new Provider(issuer, configurationOf(clients, key)).callback();
  };
  server.listen(0, '127.0.0.1', () => {
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : 0;
    issuer = `http://127.0.0.1:${port}`;
    rotate();
    process.stdout.write(`listening ${port}\n`);
  });
  createInterface({ input: process.stdin }).on('line', () => {
    rotate();
    process.stdout.write('rotated\n');
  });
}

function configurationOf(clients: readonly OidcClient[], key: object): object {
  const byId = new Map(clients.map((client) => [client.id, client]));
  return {
    jwks: { keys: [key] },
    clients: clients.map(({ id, secret }) => ({
      ...{ client_id: id, client_secret: secret, grant_types: ['client_credentials'] },
      ...{ redirect_uris: [], response_types: [] },
    })),
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => 'urn:brokers',
        getResourceServerInfo: (_: unknown, __: string, { clientId }: { clientId: string }) => ({
          scope: 'kafka',
          audience: byId.get(clientId)?.audience,
          accessTokenTTL: byId.get(clientId)?.lifetimeSeconds,
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'RS256' } },
        }),
      },
    },
  };
}

const [, , folder = '', clients = '[]'] = process.argv;
await serve(folder, JSON.parse(clients) as OidcClient[]);
