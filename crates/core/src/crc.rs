//! The checksum of stored buffers.

/// CRC-32 (IEEE 802.3, as in zlib and PNG).
pub fn crc32(bytes: &[u8]) -> u32 {
    crc32fast::hash(bytes)
}
