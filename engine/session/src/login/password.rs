//! Passwords: hashed with argon2id, and checked so that nobody learns from the time whether a user exists.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use firn_types::{Error, ErrorCode, Result};

/// A hash of the parameters that [`hash`] uses, which is of no password that anybody knows.
const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$\
                       AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// The hash of a password with a salt of its own: a PHC string. It takes about 20 milliseconds and 19 MiB.
///
/// # Errors
/// `Internal` when the system gives no random numbers.
pub(crate) fn hash(password: &str) -> Result<String> {
    let hash = Argon2::default().hash_password(password.as_bytes());
    hash.map(|hash| hash.to_string())
        .map_err(|error| Error::internal(format!("the password cannot be hashed: {error}")))
}

/// Whether a password is the one of a hash. It takes as long when there is none.
pub(crate) fn verify(password: &str, phc: Option<&str>) -> bool {
    let Ok(hash) = PasswordHash::new(phc.unwrap_or(NOBODYS)) else { return false };
    Argon2::default().verify_password(password.as_bytes(), &hash).is_ok() && phc.is_some()
}

/// The error of a new password.
pub(super) fn rejected(reason: &str) -> Error {
    let text = format!("New password rejected by current policy. Reason: '{reason}'.");
    Error::new(ErrorCode::PasswordRejected, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other_is() -> Result<()> {
        let phc = hash("Secret123")?;
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("Secret123", Some(&phc)));
        assert!(!verify("secret123", Some(&phc)));
        assert!(!verify("", None));
        assert_ne!(phc, hash("Secret123")?, "each has a salt of its own");
        Ok(())
    }

    #[test]
    fn nobodys_hash_costs_as_much_as_any() -> Result<()> {
        let parameters = |phc: &str| phc.split('$').take(4).collect::<Vec<_>>().join("$");
        assert!(PasswordHash::new(NOBODYS).is_ok());
        assert_eq!(parameters(NOBODYS), parameters(&hash("x")?));
        Ok(())
    }
}
