//! Entry point; replaced once the command line lands.
fn main() {}
