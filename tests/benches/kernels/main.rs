//! The kernels in which queries spend their time, one by one: `cargo bench -p firn-tests --bench kernels`,
//! and a part of a name behind `--` for some of them.
//!
//! The rows are pseudo-random but always the same, in batches as scans hand them on.

mod data;
mod files;
mod filters;
mod keys;

fn main() {
    // As the binary does.
    firn_allocator::keep_freed_memory(None);
    divan::main();
}
