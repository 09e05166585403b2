//! Integration tests, emulator lane: real terraform and the AWS emulator.
