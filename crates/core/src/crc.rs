//! The checksum of stored buffers.

/// CRC-32 (IEEE 802.3, as in zlib and PNG) of the bytes after others, of which it is `before`: 0 where there are none.
pub fn crc32(bytes: &[u8], before: u32) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(before);
    hasher.update(bytes);
    hasher.finalize()
}
