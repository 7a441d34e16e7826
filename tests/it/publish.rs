//! Publish over both embedded engines: counts, static files and the build hook, with simulated time.

mod changes;
mod counts;
mod fixture;
mod hook;
mod reader;
mod served;
mod view;
