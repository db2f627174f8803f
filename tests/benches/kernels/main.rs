//! The kernels in which queries spend their time, one by one: `cargo bench -p firn-tests --bench kernels`,
//! and a part of a name behind `--` for some of them.
//!
//! The rows are pseudo-random but always the same, in batches as scans hand them on.

mod data;
mod files;
mod filters;
mod keys;

use mimalloc::MiMalloc;

// The same as the binary's.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() {
    divan::main();
}
