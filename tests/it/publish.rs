//! Publish over both embedded engines: counts, static files and the build hook, with simulated time.

mod changes;
mod counts;
mod fixture;
mod hook;
mod privacy;
mod reader;
mod served;
mod view;
