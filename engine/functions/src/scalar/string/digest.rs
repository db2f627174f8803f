//! MD5, SHA1 and SHA2.

use firn_types::{Error, ErrorCode, Result, SqlType, TypeFamily};
use md5::Md5;
use sha1::Sha1;
use sha2::{Digest, Sha224, Sha256, Sha384, Sha512};

use super::CATEGORY;
use super::encode::push_hex;
use crate::driver::{blobs, ints, null_propagating, texts};
use crate::{
    Argument, Arity, Documentation, Example, Kernel, ScalarBinding, ScalarFunction, accept,
};

/// MD5(message)
pub(crate) const MD5: ScalarFunction = ScalarFunction::new(
    "MD5",
    Arity::exactly(1),
    |arguments| bind_hex("MD5", arguments, digest_into::<Md5>, 32),
    Documentation::of(
        CATEGORY,
        "The MD5 digest in hexadecimal.",
        &[Example::of("MD5('')", "d41d8cd98f00b204e9800998ecf8427e")],
    ),
)
.with_aliases(&["MD5_HEX"]);

/// MD5_BINARY(message)
pub(crate) const MD5_BINARY: ScalarFunction = ScalarFunction::new(
    "MD5_BINARY",
    Arity::exactly(1),
    |arguments| bind_binary("MD5_BINARY", arguments, digest_into::<Md5>, 16),
    Documentation::of(
        CATEGORY,
        "The MD5 digest.",
        &[Example::of("MD5_BINARY('')", "D41D8CD98F00B204E9800998ECF8427E")],
    ),
);

/// MD5_NUMBER_LOWER64(message)
pub(crate) const MD5_NUMBER_LOWER64: ScalarFunction = ScalarFunction::new(
    "MD5_NUMBER_LOWER64",
    Arity::exactly(1),
    |arguments| bind_number("MD5_NUMBER_LOWER64", arguments, 8),
    Documentation::of(
        CATEGORY,
        "The lower 64 bits of the MD5 digest as a number.",
        &[Example::of("MD5_NUMBER_LOWER64('')", "16825458760271544958")],
    ),
);

/// MD5_NUMBER_UPPER64(message)
pub(crate) const MD5_NUMBER_UPPER64: ScalarFunction = ScalarFunction::new(
    "MD5_NUMBER_UPPER64",
    Arity::exactly(1),
    |arguments| bind_number("MD5_NUMBER_UPPER64", arguments, 0),
    Documentation::of(
        CATEGORY,
        "The upper 64 bits of the MD5 digest as a number.",
        &[Example::of("MD5_NUMBER_UPPER64('')", "15284527576400310788")],
    ),
);

/// SHA1(message)
pub(crate) const SHA1: ScalarFunction = ScalarFunction::new(
    "SHA1",
    Arity::exactly(1),
    |arguments| bind_hex("SHA1", arguments, digest_into::<Sha1>, 40),
    Documentation::of(
        CATEGORY,
        "The SHA-1 digest in hexadecimal.",
        &[Example::of("SHA1('abc')", "a9993e364706816aba3e25717850c26c9cd0d89d")],
    ),
)
.with_aliases(&["SHA1_HEX"]);

/// SHA1_BINARY(message)
pub(crate) const SHA1_BINARY: ScalarFunction = ScalarFunction::new(
    "SHA1_BINARY",
    Arity::exactly(1),
    |arguments| bind_binary("SHA1_BINARY", arguments, digest_into::<Sha1>, 20),
    Documentation::of(
        CATEGORY,
        "The SHA-1 digest.",
        &[Example::of("SHA1_BINARY('abc')", "A9993E364706816ABA3E25717850C26C9CD0D89D")],
    ),
);

/// SHA2(message [, bits])
pub(crate) const SHA2: ScalarFunction = ScalarFunction::new(
    "SHA2",
    Arity::between(1, 2),
    |arguments| bind_sha2("SHA2", arguments, true),
    Documentation::of(
        CATEGORY,
        "The SHA-2 digest of 224, 256, 384 or 512 bits in hexadecimal; 256 by default.",
        &[Example::of(
            "SHA2('abc', 224)",
            "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7",
        )],
    ),
)
.with_aliases(&["SHA2_HEX"]);

/// SHA2_BINARY(message [, bits])
pub(crate) const SHA2_BINARY: ScalarFunction = ScalarFunction::new(
    "SHA2_BINARY",
    Arity::between(1, 2),
    |arguments| bind_sha2("SHA2_BINARY", arguments, false),
    Documentation::of(
        CATEGORY,
        "The SHA-2 digest of 224, 256, 384 or 512 bits; 256 by default.",
        &[Example::of(
            "SHA2_BINARY('abc', 224)",
            "23097D223405D8228642A477BDA255B32AADBCE4BDA0B3F7E36C9DA7",
        )],
    ),
);

type DigestInto = fn(&[u8], &mut Vec<u8>);

fn digest_into<D: Digest>(message: &[u8], out: &mut Vec<u8>) {
    out.extend_from_slice(&D::digest(message));
}

fn bind_hex(
    name: &str,
    arguments: &[Argument],
    digest: DigestInto,
    length: u32,
) -> Result<ScalarBinding> {
    let input = accept::text_or_binary(name, arguments, 0)?;
    let kernel = kernel(input.family(), move |message, _, out| {
        digest(message, out);
        Ok(())
    });
    ScalarBinding::new(vec![input], SqlType::varchar(length), hex(kernel))
}

fn bind_binary(
    name: &str,
    arguments: &[Argument],
    digest: DigestInto,
    length: u32,
) -> Result<ScalarBinding> {
    let input = accept::text_or_binary(name, arguments, 0)?;
    let kernel = kernel(input.family(), move |message, _, out| {
        digest(message, out);
        Ok(())
    });
    ScalarBinding::new(vec![input], SqlType::Binary { length }, kernel)
}

fn bind_number(name: &str, arguments: &[Argument], first_byte: usize) -> Result<ScalarBinding> {
    let input = accept::text_or_binary(name, arguments, 0)?;
    let binary = input.family() == TypeFamily::Binary;
    let kernel = null_propagating(move |rows, columns| {
        let half = |message: &[u8]| {
            let digest = Md5::digest(message);
            let bytes = digest.iter().skip(first_byte).take(8);
            Ok(Some(bytes.fold(0_i128, |number, byte| (number << 8) | i128::from(*byte))))
        };
        if binary {
            let message = blobs(&columns[0])?;
            return rows.map(|at| half(message.get(at)));
        }
        let message = texts(&columns[0])?;
        rows.map(|at| half(message.get(at).as_bytes()))
    });
    ScalarBinding::new(vec![input], SqlType::number(20, 0), kernel)
}

fn bind_sha2(name: &str, arguments: &[Argument], as_hex: bool) -> Result<ScalarBinding> {
    let input = accept::text_or_binary(name, arguments, 0)?;
    let mut types = vec![input];
    if arguments.len() > 1 {
        types.push(accept::integer(name, arguments, 1)?);
    }
    let kernel = kernel(input.family(), |message, bits, out| {
        match bits.unwrap_or(256) {
            224 => digest_into::<Sha224>(message, out),
            0 | 256 => digest_into::<Sha256>(message, out),
            384 => digest_into::<Sha384>(message, out),
            512 => digest_into::<Sha512>(message, out),
            other => {
                let text = format!("Invalid digest size {other} in the SHA2 input");
                return Err(Error::new(ErrorCode::InvalidValue, text));
            }
        }
        Ok(())
    });
    if as_hex {
        return ScalarBinding::new(types, SqlType::varchar(128), hex(kernel));
    }
    ScalarBinding::new(types, SqlType::Binary { length: 64 }, kernel)
}

/// Digests of messages, with the second argument where there is one.
fn kernel(
    family: TypeFamily,
    digest: impl Fn(&[u8], Option<i64>, &mut Vec<u8>) -> Result<()> + Send + Sync + 'static,
) -> Kernel {
    null_propagating(move |rows, columns| {
        let bits = columns.get(1).map(ints).transpose()?;
        let bits = |at: usize| bits.map(|bits| bits.get(at));
        if family == TypeFamily::Binary {
            let message = blobs(&columns[0])?;
            return rows.bytes(|at, out| digest(message.get(at), bits(at), out).map(|()| true));
        }
        let message = texts(&columns[0])?;
        rows.bytes(|at, out| digest(message.get(at).as_bytes(), bits(at), out).map(|()| true))
    })
}

/// The same digests in lower-case hexadecimal.
fn hex(kernel: Kernel) -> Kernel {
    let as_text = null_propagating(|rows, columns| {
        let digest = blobs(&columns[0])?;
        rows.text(|at, out| {
            push_hex(digest.get(at), false, out);
            Ok(true)
        })
    });
    Kernel::propagating(move |call, columns| as_text.run(call, &[kernel.run(call, columns)?]))
}
