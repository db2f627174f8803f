//! Frames: what goes to a process and comes back, behind its length.

use firn_types::{Error, ErrorCode, Result};

/// A frame that is being written, with room for its length before it.
pub(crate) struct Frame(Vec<u8>);

impl Frame {
    /// One that begins with what it asks for.
    pub(crate) fn new(operation: u8) -> Frame {
        Frame(vec![0, 0, 0, 0, operation])
    }

    /// Bytes as they are.
    pub(crate) fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// One byte.
    pub(crate) fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// A number of 32 bits.
    ///
    /// # Errors
    /// `OutOfMemory` for a larger one.
    pub(crate) fn number(&mut self, number: usize) -> Result<()> {
        let number = u32::try_from(number).map_err(|_| too_large())?;
        self.bytes(&number.to_ne_bytes());
        Ok(())
    }

    /// A text behind its length.
    ///
    /// # Errors
    /// `OutOfMemory` for one of 4 GB.
    pub(crate) fn text(&mut self, text: &str) -> Result<()> {
        self.number(text.len())?;
        self.bytes(text.as_bytes());
        Ok(())
    }

    /// The whole frame.
    ///
    /// # Errors
    /// `OutOfMemory` for one of 4 GB.
    pub(crate) fn finish(mut self) -> Result<Vec<u8>> {
        let length = u32::try_from(self.0.len() - 4).map_err(|_| too_large())?;
        self.0[..4].copy_from_slice(&length.to_ne_bytes());
        Ok(self.0)
    }
}

fn too_large() -> Error {
    Error::new(ErrorCode::OutOfMemory, "a batch of rows is too large for a function in Python")
}

/// A frame that is read. What a process sends is what its code can send: nothing is taken for granted.
pub(crate) struct FrameReader<'f> {
    rest: &'f [u8],
}

impl<'f> FrameReader<'f> {
    /// Reads from the beginning.
    pub(crate) fn new(content: &'f [u8]) -> FrameReader<'f> {
        FrameReader { rest: content }
    }

    /// The next bytes.
    ///
    /// # Errors
    /// `PythonExecution` when there are not as many.
    pub(crate) fn take(&mut self, count: usize) -> Result<&'f [u8]> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or_else(broken)?;
        self.rest = rest;
        Ok(taken)
    }

    /// The next byte.
    ///
    /// # Errors
    /// As [`FrameReader::take`].
    pub(crate) fn byte(&mut self) -> Result<u8> {
        Ok(self.take(1)?[0])
    }

    /// The next number of 32 bits.
    ///
    /// # Errors
    /// As [`FrameReader::take`].
    pub(crate) fn number(&mut self) -> Result<usize> {
        let bytes: [u8; 4] = self.take(4)?.try_into().map_err(|_| broken())?;
        usize::try_from(u32::from_ne_bytes(bytes)).map_err(|_| broken())
    }

    /// The next text, which stands behind its length.
    ///
    /// # Errors
    /// As [`FrameReader::take`], and for what is no text.
    pub(crate) fn text(&mut self) -> Result<&'f str> {
        let length = self.number()?;
        std::str::from_utf8(self.take(length)?).map_err(|_| broken())
    }

    /// The next byte, which stays.
    ///
    /// # Errors
    /// As [`FrameReader::take`].
    pub(crate) fn peek(&self) -> Result<u8> {
        self.rest.first().copied().ok_or_else(broken)
    }

    /// The next numbers of a fixed width.
    ///
    /// # Errors
    /// As [`FrameReader::take`].
    pub(crate) fn fixed<const N: usize>(
        &mut self,
        rows: usize,
    ) -> Result<impl Iterator<Item = [u8; N]> + 'f> {
        let bytes = self.take(rows.checked_mul(N).ok_or_else(broken)?)?;
        Ok(bytes.as_chunks::<N>().0.iter().copied())
    }
}

/// The error of an answer that is none.
pub(crate) fn broken() -> Error {
    let text = "Python Interpreter Error:\nthe process has answered with what is no answer";
    Error::new(ErrorCode::PythonExecution, text)
}
