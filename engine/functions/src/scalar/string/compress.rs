//! COMPRESS, DECOMPRESS_BINARY and DECOMPRESS_STRING.

use std::io::{Read, Write};

use firn_types::limits::{BINARY_LENGTH_MAX, VALUE_BYTES_MAX};
use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily};

use super::CATEGORY;
use crate::driver::{blobs, check_size, null_propagating, texts};
use crate::{Argument, Arity, Documentation, Example, ScalarBinding, ScalarFunction, accept};

/// COMPRESS(value, method)
pub(crate) const COMPRESS: ScalarFunction = ScalarFunction::new(
    "COMPRESS",
    Arity::exactly(2),
    bind_compress,
    Documentation::of(
        CATEGORY,
        "The value compressed by SNAPPY, ZLIB, ZSTD or BZ2, perhaps with a level: 'ZLIB(9)'.",
        &[Example::of("COMPRESS('Snowflake', 'SNAPPY')", "0920536E6F77666C616B65")],
    ),
);

/// DECOMPRESS_BINARY(bytes, method)
pub(crate) const DECOMPRESS_BINARY: ScalarFunction = ScalarFunction::new(
    "DECOMPRESS_BINARY",
    Arity::exactly(2),
    |arguments| bind_decompress("DECOMPRESS_BINARY", arguments, false),
    Documentation::of(
        CATEGORY,
        "The bytes that were compressed by a method.",
        &[Example::of(
            "DECOMPRESS_BINARY(TO_BINARY('0920536E6F77666C616B65'), 'SNAPPY')",
            "536E6F77666C616B65",
        )],
    ),
);

/// DECOMPRESS_STRING(bytes, method)
pub(crate) const DECOMPRESS_STRING: ScalarFunction = ScalarFunction::new(
    "DECOMPRESS_STRING",
    Arity::exactly(2),
    |arguments| bind_decompress("DECOMPRESS_STRING", arguments, true),
    Documentation::of(
        CATEGORY,
        "The text that was compressed by a method.",
        &[
            Example::of(
                "DECOMPRESS_STRING(TO_BINARY('0920536E6F77666C616B65'), 'SNAPPY')",
                "Snowflake",
            ),
            Example::of("DECOMPRESS_STRING(COMPRESS('abc', 'BZ2'), 'BZ2')", "abc"),
        ],
    ),
);

/// How bytes are compressed.
#[derive(Clone, Copy)]
enum Method {
    Snappy,
    Zlib(u32),
    Zstd(i32),
    Bzip2(u32),
}

impl Method {
    /// The method that a text names.
    ///
    /// # Errors
    /// `InvalidValue` for an unknown one, or a level that it does not have.
    fn named(text: &str) -> Result<Method> {
        let wrong = || {
            let text = format!("Invalid compression method and level: '{text}'");
            Error::new(ErrorCode::InvalidValue, text)
        };
        let upper = text.trim().to_uppercase();
        let (name, level) = match upper.strip_suffix(')').and_then(|rest| rest.split_once('(')) {
            Some((name, level)) => (name.trim(), Some(level.trim().parse::<u32>())),
            None => (upper.as_str(), None),
        };
        let level = level.transpose().map_err(|_| wrong())?;
        let method = match (name, level) {
            ("SNAPPY", None) => Method::Snappy,
            ("ZLIB", level @ (None | Some(0..=9))) => Method::Zlib(level.unwrap_or(6)),
            ("ZSTD", level @ (None | Some(1..=22))) => Method::Zstd(level.unwrap_or(3) as i32),
            ("BZ2", level @ (None | Some(1..=9))) => Method::Bzip2(level.unwrap_or(6)),
            _ => return Err(wrong()),
        };
        Ok(method)
    }

    fn compress(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let failed = |error: &dyn std::fmt::Display| {
            Error::new(ErrorCode::InvalidValue, format!("A value cannot be compressed: {error}"))
        };
        let written = match self {
            Method::Snappy => {
                let packed = snap::raw::Encoder::new().compress_vec(bytes);
                out.extend(packed.map_err(|error| failed(&error))?);
                Ok(())
            }
            Method::Zlib(level) => {
                let level = flate2::Compression::new(level);
                let mut encoder = flate2::write::ZlibEncoder::new(&mut *out, level);
                encoder.write_all(bytes).and_then(|()| encoder.finish().map(|_| ()))
            }
            Method::Zstd(level) => zstd::bulk::compress(bytes, level).map(|packed| {
                out.extend(packed);
            }),
            Method::Bzip2(level) => {
                let level = bzip2::Compression::new(level);
                let mut encoder = bzip2::write::BzEncoder::new(&mut *out, level);
                encoder.write_all(bytes).and_then(|()| encoder.finish().map(|_| ()))
            }
        };
        written.map_err(|error| failed(&error))
    }

    /// Appends the bytes that were compressed; no more than a value may have.
    fn decompress(self, bytes: &[u8], out: &mut Vec<u8>) -> Result<()> {
        let wrong = || Error::new(ErrorCode::InvalidValue, "Invalid compressed data");
        let most = VALUE_BYTES_MAX as u64 + 1;
        let read = match self {
            Method::Snappy => {
                let length = snap::raw::decompress_len(bytes).map_err(|_| wrong())?;
                check_size(length)?;
                let unpacked = snap::raw::Decoder::new().decompress_vec(bytes);
                out.extend(unpacked.map_err(|_| wrong())?);
                return Ok(());
            }
            Method::Zlib(_) => flate2::read::ZlibDecoder::new(bytes).take(most).read_to_end(out),
            Method::Zstd(_) => {
                let decoder = zstd::stream::read::Decoder::new(bytes).map_err(|_| wrong())?;
                decoder.take(most).read_to_end(out)
            }
            Method::Bzip2(_) => bzip2::read::BzDecoder::new(bytes).take(most).read_to_end(out),
        };
        read.map_err(|_| wrong())?;
        check_size(out.len())
    }
}

fn bind_compress(arguments: &[Argument]) -> Result<ScalarBinding> {
    let input = accept::text_or_binary("COMPRESS", arguments, 0)?;
    let method = accept::text("COMPRESS", arguments, 1)?;
    let binary = input.family() == TypeFamily::Binary;
    let kernel = null_propagating(move |rows, columns| {
        let methods = texts(&columns[1])?;
        if binary {
            let input = blobs(&columns[0])?;
            return rows.bytes(|at, out| {
                Method::named(methods.get(at))?.compress(input.get(at), out).map(|()| true)
            });
        }
        let input = texts(&columns[0])?;
        rows.bytes(|at, out| {
            let method = Method::named(methods.get(at))?;
            method.compress(input.get(at).as_bytes(), out).map(|()| true)
        })
    });
    let returns = SqlType::Binary { length: BINARY_LENGTH_MAX };
    ScalarBinding::new(vec![input, method], returns, kernel)
}

fn bind_decompress(name: &str, arguments: &[Argument], as_text: bool) -> Result<ScalarBinding> {
    let input = accept::binary(name, arguments, 0)?;
    let types = vec![input, accept::text(name, arguments, 1)?];
    if !as_text {
        let kernel = null_propagating(|rows, columns| {
            let (input, methods) = (blobs(&columns[0])?, texts(&columns[1])?);
            rows.bytes(|at, out| {
                Method::named(methods.get(at))?.decompress(input.get(at), out).map(|()| true)
            })
        });
        let returns = SqlType::Binary { length: BINARY_LENGTH_MAX };
        return ScalarBinding::new(types, returns, kernel);
    }
    let kernel = null_propagating(|rows, columns| {
        let (input, methods) = (blobs(&columns[0])?, texts(&columns[1])?);
        let mut bytes = Vec::new();
        rows.text(|at, out| {
            bytes.clear();
            Method::named(methods.get(at))?.decompress(input.get(at), &mut bytes)?;
            let text = std::str::from_utf8(&bytes).map_err(|_| {
                Error::new(ErrorCode::InvalidValue, "The decompressed bytes are no UTF-8 text")
            })?;
            out.push_str(text);
            Ok(true)
        })
    });
    ScalarBinding::new(types, SqlType::TEXT, kernel)
}
