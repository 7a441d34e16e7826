//! The integration tests: our code against real servers, over the wire.

mod gallery;
