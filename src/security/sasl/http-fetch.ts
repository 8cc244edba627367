// HTTP as the files of OAuth need it, and which addresses may be asked: those that the operator has
// allowed (org.apache.kafka.sasl.oauthbearer.allowed.urls, as in Kafka since 4.0), and no others,
// since whoever can write a configuration could make this process ask inside addresses.

import type { HttpAnswer, HttpRequest } from '../../io/index.ts';

export type { HttpAnswer, HttpRequest };

/** One request. It follows no redirection. Rejects with an Error that names the host. */
export type HttpFetch = (request: HttpRequest) => Promise<HttpAnswer>;

export const allowedUrlsProperty = 'org.apache.kafka.sasl.oauthbearer.allowed.urls';

/** null if the address may be asked; otherwise why not, with the remedy. */
export function urlRefusal(key: string, url: string, allowed: string | undefined): string | null {
  let protocol = '';
  try {
    ({ protocol } = new URL(url));
  } catch {
    return `${key} is ${url}: expected https://host/path`;
  }
  if (protocol !== 'https:' && protocol !== 'http:') {
    return `${key} is ${url}: expected https: or http:, tokens are taken from no other place`;
  }
  const list = (allowed ?? '').split(',').map((each) => each.trim());
  if (list.includes(url)) return null;
  const remedy = `start with KAFKA_OPTS=-D${allowedUrlsProperty}=${url}`;
  return `${key} is ${url}, which is not allowed: ${remedy}`;
}
