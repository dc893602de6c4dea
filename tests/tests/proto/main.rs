//! `proto!`: what its items write and read, and what a contract out of a file does.

mod definitions;
mod random;
mod service;
mod shapes;
mod types;
