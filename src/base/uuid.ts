// Kafka's uuid: 16 bytes on the wire, 22 characters of unpadded base64url in print and in our
// memory. The string is canonical, so that it can be a map key and be compared with ===.

export type Uuid = string;

export const ZERO_UUID: Uuid = 'AAAAAAAAAAAAAAAAAAAAAA';

const pattern = /^[A-Za-z0-9_-]{21}[AQgw]$/;

export function isUuid(text: string): boolean {
  return pattern.test(text);
}

export function uuidFromBytes(buffer: Buffer, position: number): Uuid {
  return buffer.toString('base64url', position, position + 16);
}

/** The text must be canonical (isUuid); bytes that it lacks would be left as they were. */
export function uuidToBytes(uuid: Uuid, buffer: Buffer, position: number): void {
  buffer.write(uuid, position, 16, 'base64url');
}
