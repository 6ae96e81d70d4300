//! Bitmaps as data URIs. A grid of 100 x 100 cells is 14 kB here and about 1 MB as SVG rectangles; without
//! compression (zlib "stored" blocks) the encoder is one page.
//!
//! PNG: W3C REC-PNG-20031110; zlib: RFC 1950; base64: RFC 4648.

use std::iter;

use super::colour::{Ramp, level};

/// Palette entry that is fully transparent; the ramp follows from 1.
const BLANK: u8 = 0;

/// An image of `shares` of the ramp in [0, 1], `width` columns, the *first row at the bottom*, as a data URI.
/// A share that is NaN leaves its pixel transparent.
pub(super) fn heat_uri(shares: &[f64], width: usize, ramp: &Ramp) -> String {
    let height = shares.len() / width;
    let mut header = Vec::with_capacity(13);
    header.extend((width as u32).to_be_bytes());
    header.extend((height as u32).to_be_bytes());
    header.extend([8, 3, 0, 0, 0]); // 8 bits a pixel, palette, deflate, standard filters, not interlaced
    let mut palette = vec![255, 255, 255];
    palette.extend(ramp.colours().iter().flat_map(|c| [c.0, c.1, c.2]));

    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    chunk(&mut png, *b"IHDR", &header);
    chunk(&mut png, *b"PLTE", &palette);
    chunk(&mut png, *b"tRNS", &[0]);
    chunk(&mut png, *b"IDAT", &zlib_stored(&scanlines(shares, width)));
    chunk(&mut png, *b"IEND", &[]);
    format!("data:image/png;base64,{}", base64(&png))
}

/// The rows from top to bottom, each led by its filter: none.
fn scanlines(shares: &[f64], width: usize) -> Vec<u8> {
    let pixel = |share: &f64| if share.is_nan() { BLANK } else { 1 + level(*share) as u8 };
    shares.chunks_exact(width).rev().flat_map(|row| iter::once(0).chain(row.iter().map(pixel))).collect()
}

fn chunk(png: &mut Vec<u8>, kind: [u8; 4], body: &[u8]) {
    png.extend((body.len() as u32).to_be_bytes());
    let start = png.len();
    png.extend(kind);
    png.extend(body);
    let sum = crc32(&png[start..]);
    png.extend(sum.to_be_bytes());
}

fn zlib_stored(bytes: &[u8]) -> Vec<u8> {
    let mut out = vec![0x78, 0x01];
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    while let Some(block) = blocks.next() {
        let length = block.len() as u16;
        out.push(u8::from(blocks.peek().is_none()));
        out.extend(length.to_le_bytes());
        out.extend((!length).to_le_bytes());
        out.extend(block);
    }
    out.extend(adler32(bytes).to_be_bytes());
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |s, _| (s >> 1) ^ (0xEDB8_8320 & (s & 1).wrapping_neg()))
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), byte| {
        let a = (a + u32::from(*byte)) % 65521;
        (a, (b + a) % 65521)
    });
    b << 16 | a
}

fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group.iter().fold(0, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - group.len()));
        for k in 0..4 {
            let digit = ALPHABET[(bits >> (18 - 6 * k) & 63) as usize];
            text.push(if k <= group.len() { char::from(digit) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checksums_have_their_published_check_values() {
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11E6_0398);
    }

    #[test]
    fn base64_agrees_with_rfc_4648() {
        for (plain, coded) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(plain.as_bytes()), coded);
        }
    }

    #[test]
    fn first_row_is_drawn_at_the_bottom_and_nan_is_blank() {
        assert_eq!(scanlines(&[0.0, 1.0, f64::NAN, 0.5, 2.0, -1.0], 2), [0, 255, 1, 0, 0, 128, 0, 1, 255]);
    }

    #[test]
    fn stored_blocks_give_back_every_byte() {
        let bytes: Vec<u8> = (0..200_000_u32).map(|k| (k % 251) as u8).collect();
        let packed = zlib_stored(&bytes);
        let (mut rest, mut unpacked, mut last) = (&packed[2..packed.len() - 4], Vec::<u8>::new(), false);
        while !rest.is_empty() {
            assert!(!last, "no block follows the last");
            last = rest[0] == 1;
            let length = u16::from_le_bytes([rest[1], rest[2]]);
            assert_eq!(u16::from_le_bytes([rest[3], rest[4]]), !length);
            let (block, tail) = rest[5..].split_at(usize::from(length));
            unpacked.extend(block);
            rest = tail;
        }
        assert!(last && unpacked == bytes);
    }
}
