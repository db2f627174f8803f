//! Compressed files: detection, readers and writers.

use std::io::{self, BufReader, Read, Write};

/// Bytes of the buffer between a file and its decompressor.
const BUFFER_BYTES: usize = 256 * 1024;

/// How a file is compressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Compression {
    /// To be found out from the file's name and first bytes.
    Auto,
    /// Not at all.
    None,
    /// gzip, of one or several members.
    Gzip,
    /// bzip2, of one or several streams.
    Bz2,
    /// Brotli; never found out by itself, since it has no signature.
    Brotli,
    /// Zstandard.
    Zstd,
    /// Deflate with zlib's header and checksum.
    Deflate,
    /// Deflate without any header.
    RawDeflate,
}

/// A reader of a file's decompressed bytes.
pub type ByteReader = Box<dyn Read + Send>;

impl Compression {
    const NAMES: [(Compression, &'static str, &'static str); 8] = [
        (Compression::Auto, "AUTO", ""),
        (Compression::None, "NONE", ""),
        (Compression::Gzip, "GZIP", ".gz"),
        (Compression::Bz2, "BZ2", ".bz2"),
        (Compression::Brotli, "BROTLI", ".br"),
        (Compression::Zstd, "ZSTD", ".zst"),
        (Compression::Deflate, "DEFLATE", ".deflate"),
        (Compression::RawDeflate, "RAW_DEFLATE", ".raw_deflate"),
    ];

    /// The compression of this name in any case, as options write it; AUTO_DETECT is AUTO.
    pub fn from_name(name: &str) -> Option<Compression> {
        if name.eq_ignore_ascii_case("AUTO_DETECT") {
            return Some(Compression::Auto);
        }
        let found =
            Compression::NAMES.iter().find(|(_, known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(compression, ..)| *compression)
    }

    /// The name in upper case.
    pub fn name(self) -> &'static str {
        self.entry().1
    }

    /// The extension with its dot; empty for none.
    pub fn extension(self) -> &'static str {
        self.entry().2
    }

    fn entry(self) -> &'static (Compression, &'static str, &'static str) {
        let found = Compression::NAMES.iter().find(|(compression, ..)| *compression == self);
        found.unwrap_or(&Compression::NAMES[1])
    }

    /// The compression that a file's first bytes, or else its name, tell.
    pub fn detect(path: &str, head: &[u8]) -> Compression {
        match head {
            [0x1f, 0x8b, ..] => return Compression::Gzip,
            [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, 0x59, 0x26, ..]
            | [b'B', b'Z', b'h', b'1'..=b'9', 0x17, 0x72, 0x45, 0x38, ..] => {
                return Compression::Bz2;
            }
            [0x28, 0xb5, 0x2f, 0xfd, ..] => return Compression::Zstd,
            _ => {}
        }
        let lower = path.to_ascii_lowercase();
        if lower.ends_with(".deflate") {
            Compression::Deflate
        } else if lower.ends_with(".raw_deflate") {
            Compression::RawDeflate
        } else {
            Compression::None
        }
    }

    /// The decompressed bytes of `source`, the file at `path`; AUTO looks at its first bytes.
    ///
    /// # Errors
    /// What reading the first bytes gives.
    pub fn reader(self, path: &str, mut source: ByteReader) -> io::Result<ByteReader> {
        let compression = match self {
            Compression::Auto => {
                let mut head = Vec::with_capacity(16);
                source.by_ref().take(16).read_to_end(&mut head)?;
                let found = Compression::detect(path, &head);
                source = Box::new(io::Cursor::new(head).chain(source));
                found
            }
            known => known,
        };
        let buffered = |source| BufReader::with_capacity(BUFFER_BYTES, source);
        Ok(match compression {
            Compression::Auto | Compression::None => source,
            Compression::Gzip => Box::new(flate2::bufread::MultiGzDecoder::new(buffered(source))),
            Compression::Bz2 => Box::new(bzip2::bufread::MultiBzDecoder::new(buffered(source))),
            Compression::Brotli => Box::new(brotli::Decompressor::new(source, BUFFER_BYTES)),
            Compression::Zstd => Box::new(zstd::Decoder::with_buffer(buffered(source))?),
            Compression::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(buffered(source))),
            Compression::RawDeflate => {
                Box::new(flate2::bufread::DeflateDecoder::new(buffered(source)))
            }
        })
    }

    /// A writer whose compressed bytes go to `sink`; AUTO compresses as gzip.
    ///
    /// # Errors
    /// A compressor that cannot be set up.
    pub fn writer<W: Write>(self, sink: W) -> io::Result<CompressedWriter<W>> {
        let level = flate2::Compression::default();
        Ok(CompressedWriter(match self {
            Compression::None => Encoder::None(sink),
            Compression::Auto | Compression::Gzip => {
                Encoder::Gzip(flate2::write::GzEncoder::new(sink, level))
            }
            Compression::Bz2 => {
                Encoder::Bz2(bzip2::write::BzEncoder::new(sink, bzip2::Compression::default()))
            }
            Compression::Brotli => Encoder::Brotli(Box::new(brotli::CompressorWriter::new(
                sink,
                BUFFER_BYTES,
                BROTLI_QUALITY,
                BROTLI_WINDOW,
            ))),
            Compression::Zstd => Encoder::Zstd(zstd::Encoder::new(sink, 0)?),
            Compression::Deflate => Encoder::Deflate(flate2::write::ZlibEncoder::new(sink, level)),
            Compression::RawDeflate => {
                Encoder::RawDeflate(flate2::write::DeflateEncoder::new(sink, level))
            }
        }))
    }
}

/// Brotli's balance of speed against size; its default of 11 is fifty times slower.
const BROTLI_QUALITY: u32 = 5;
/// Brotli's window: 4 MiB.
const BROTLI_WINDOW: u32 = 22;

/// Compresses what is written to it; [`CompressedWriter::finish`] writes the end.
pub struct CompressedWriter<W: Write>(Encoder<W>);

enum Encoder<W: Write> {
    None(W),
    Gzip(flate2::write::GzEncoder<W>),
    Bz2(bzip2::write::BzEncoder<W>),
    Brotli(Box<brotli::CompressorWriter<W>>),
    Zstd(zstd::Encoder<'static, W>),
    Deflate(flate2::write::ZlibEncoder<W>),
    RawDeflate(flate2::write::DeflateEncoder<W>),
}

impl<W: Write> CompressedWriter<W> {
    /// Writes what is left and gives the sink back.
    ///
    /// # Errors
    /// What the sink gives.
    pub fn finish(self) -> io::Result<W> {
        match self.0 {
            Encoder::None(sink) => Ok(sink),
            Encoder::Gzip(encoder) => encoder.finish(),
            Encoder::Bz2(encoder) => encoder.finish(),
            Encoder::Brotli(mut encoder) => {
                encoder.flush()?;
                Ok(encoder.into_inner())
            }
            Encoder::Zstd(encoder) => encoder.finish(),
            Encoder::Deflate(encoder) => encoder.finish(),
            Encoder::RawDeflate(encoder) => encoder.finish(),
        }
    }

    /// The sink, which lags behind by what the compressor still holds.
    pub fn sink(&self) -> &W {
        match &self.0 {
            Encoder::None(sink) => sink,
            Encoder::Gzip(encoder) => encoder.get_ref(),
            Encoder::Bz2(encoder) => encoder.get_ref(),
            Encoder::Brotli(encoder) => encoder.get_ref(),
            Encoder::Zstd(encoder) => encoder.get_ref(),
            Encoder::Deflate(encoder) => encoder.get_ref(),
            Encoder::RawDeflate(encoder) => encoder.get_ref(),
        }
    }

    fn inner(&mut self) -> &mut dyn Write {
        match &mut self.0 {
            Encoder::None(sink) => sink,
            Encoder::Gzip(encoder) => encoder,
            Encoder::Bz2(encoder) => encoder,
            Encoder::Brotli(encoder) => encoder,
            Encoder::Zstd(encoder) => encoder,
            Encoder::Deflate(encoder) => encoder,
            Encoder::RawDeflate(encoder) => encoder,
        }
    }
}

impl<W: Write> Write for CompressedWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.inner().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner().flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Compression; 7] = [
        Compression::None,
        Compression::Gzip,
        Compression::Bz2,
        Compression::Brotli,
        Compression::Zstd,
        Compression::Deflate,
        Compression::RawDeflate,
    ];

    fn compressed(compression: Compression, text: &[u8]) -> Vec<u8> {
        let mut writer = compression.writer(Vec::new()).unwrap();
        writer.write_all(text).unwrap();
        writer.finish().unwrap()
    }

    fn read(compression: Compression, path: &str, bytes: Vec<u8>) -> Vec<u8> {
        let mut out = Vec::new();
        let source: ByteReader = Box::new(io::Cursor::new(bytes));
        compression.reader(path, source).unwrap().read_to_end(&mut out).unwrap();
        out
    }

    #[test]
    fn every_compression_gives_back_what_it_was_given() {
        let text = b"a,b,c\n".repeat(100_000);
        for compression in ALL {
            let bytes = compressed(compression, &text);
            assert_eq!(read(compression, "f", bytes.clone()), text, "{}", compression.name());
            if compression != Compression::Brotli {
                let path = format!("f.csv{}", compression.extension());
                assert_eq!(read(Compression::Auto, &path, bytes), text, "{path}");
            }
        }
    }

    #[test]
    fn all_members_of_a_file_are_read() {
        for compression in [Compression::Gzip, Compression::Bz2, Compression::Zstd] {
            let mut bytes = compressed(compression, b"one\n");
            bytes.extend(compressed(compression, b"two\n"));
            assert_eq!(read(Compression::Auto, "f", bytes), b"one\ntwo\n", "{compression:?}");
        }
    }
}
