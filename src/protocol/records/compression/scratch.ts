// One buffer that codecs write to before they know how much it will be; what is returned is a
// copy of the right size. Keeping it saves an allocation, and its page faults, for each batch.

const KEPT_BYTES_MAX = 1024 * 1024;

let kept = Buffer.alloc(0);

/**
 * At least `sizeBytes` of memory with any content, to be used until the caller returns. It must
 * not be used while another codec that also takes it runs.
 */
export function scratch(sizeBytes: number): Buffer {
  if (sizeBytes <= kept.length) return kept;
  if (sizeBytes > KEPT_BYTES_MAX) return Buffer.allocUnsafeSlow(sizeBytes);
  kept = Buffer.allocUnsafeSlow(Math.min(KEPT_BYTES_MAX, Math.max(64 * 1024, 2 * sizeBytes)));
  return kept;
}

/** The first `length` bytes of a scratch buffer, in memory of their own if it will be reused. */
export function keepFirst(buffer: Buffer, length: number): Buffer {
  if (buffer !== kept) return buffer.subarray(0, length);
  const result = Buffer.allocUnsafe(length);
  buffer.copy(result, 0, 0, length);
  return result;
}
