/// The CRC-32 of zip, PNG and Ethernet (IEEE 802.3), of all parts in a row.
pub(super) fn crc32<'a>(parts: impl IntoIterator<Item = &'a [u8]>) -> u32 {
    const REVERSED_POLYNOMIAL: u32 = 0xEDB8_8320;
    let bit = |crc: u32, _| (crc >> 1) ^ (REVERSED_POLYNOMIAL & (crc & 1).wrapping_neg());
    let byte = |crc: u32, &byte: &u8| (0..8).fold(crc ^ u32::from(byte), bit);
    !parts.into_iter().flatten().fold(u32::MAX, byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check value that catalogues of checksums give for this one.
    #[test]
    fn known_answer() {
        assert_eq!(crc32([&b"1234"[..], b"", b"56789"]), 0xCBF4_3926);
        assert_eq!(crc32([]), 0);
    }
}
