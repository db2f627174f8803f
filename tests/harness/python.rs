//! Whether the interpreter that functions in Python need is here.

use std::collections::HashMap;
use std::env;
use std::process::{Command, Stdio};
use std::sync::{LazyLock, Mutex};

/// Which modules there are; those of no name are the interpreter itself.
static KNOWN: LazyLock<Mutex<HashMap<String, bool>>> = LazyLock::new(Mutex::default);

/// Whether there is all that a file asks for: by a line `# needs python`, with modules behind it, in its head.
pub fn has_what_it_needs(text: &str) -> bool {
    let head = text.lines().take_while(|line| line.is_empty() || line.starts_with('#'));
    head.filter_map(|line| line.strip_prefix("# needs python")).all(|modules| {
        let mut known = KNOWN.lock().expect("nobody panics while looking");
        *known.entry(modules.trim().to_string()).or_insert_with(|| imports(modules))
    })
}

/// Whether the interpreter that firn finds imports some modules.
fn imports(modules: &str) -> bool {
    let program = env::var_os("FIRN_PYTHON").unwrap_or_else(|| "python3".into());
    let text: String = modules.split_whitespace().map(|name| format!("import {name}\n")).collect();
    let mut command = Command::new(program);
    command.args(["-I", "-c", &text]).stdin(Stdio::null()).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
