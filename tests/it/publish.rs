//! Tests of publish over both embedded engines, with simulated time: counts, static files and the
//! build hook.

mod albums;
mod changes;
mod clock;
mod counts;
mod fixture;
mod hook;
mod leaving;
mod list_oracle;
mod lists;
mod page;
mod pictures;
mod privacy;
mod reader;
mod served;
mod view;
