//! `firn key`: makes a key, or puts another one in the place of an encrypted account's.

use std::io::{self, Write};

use firn_engine::{change_key, make_key};

use crate::DEFAULT_ACCOUNT;
use crate::args::KeyArgs;

/// Makes or changes a key.
///
/// # Errors
/// A message when it cannot be made, or the account is not encrypted under the first key.
pub(crate) fn run(args: &KeyArgs) -> Result<(), String> {
    let done = match (&args.make, &args.key, &args.new_key) {
        (Some(file), ..) => {
            make_key(file).map(|()| format!("a key was made in {}", file.display()))
        }
        (None, Some(old), Some(new)) => {
            let account = args.account.as_deref().unwrap_or(DEFAULT_ACCOUNT);
            change_key(account, old, new).map(|()| {
                format!("{account} opens with the new key alone; restart what has it open")
            })
        }
        _ => return Err("--key and --new-key, or --make, are needed".to_string()),
    };
    let said = done.map_err(|error| error.to_string())?;
    // Nobody may be reading.
    let _ = writeln!(io::stdout(), "{said}");
    Ok(())
}
