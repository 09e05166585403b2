//! The program itself: over standard input and output, and on the command line. Its terraform is a script that counts
//! how often it is started, its AWS a listener that counts connections.

mod bad_files;
mod bad_requests;
mod bad_settings;
mod bombs;
mod command_line;
mod credentials;
mod disk_full;
mod forged;
mod fuzz;
mod http;
mod init;
mod lifecycle;
mod site;
mod wire;
