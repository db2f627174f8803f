//! What encrypts the connections to object stores.

/// Lets all connections of the process use one provider of cryptography, unless the program that firn is part of
/// has chosen one. Opening an account does it; who makes clients before that calls it.
pub fn install_provider() {
    // An error says that one is installed already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}
