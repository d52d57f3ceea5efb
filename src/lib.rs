//! FPS Sandbox: Amazon Flexible Payments Service on your own machine.
//!
//! * [`ledger`]: all money logic, pure — commands decide on a book
//! * [`store`]: the only room that speaks SQL — load, decide, save, in batches
//! * [`fps`]: the web service — bytes to typed calls, answers to XML; the action table
//! * [`signature`]: signatures of requests, and why one does not match
//! * [`cobranded`]: the pages on which buyers authorise tokens
//! * [`server`]: sockets, TLS, shutdown
//! * [`worlds`]: sandboxes within the sandbox, each with a database, keys, a clock and ids of its own
//! * [`seed`]: what a new world begins with
//! * [`sandbox`]: configuration in, a running service out
//! * [`cli`]: the command line
//! * [`config`], [`logging`], [`clock`], [`ids`]: settings, log lines, the one clock, the one source of randomness
//! * [`error`], [`basis`]: every error code, and where behaviour comes from

pub mod basis;
pub mod cli;
pub mod clock;
pub mod cobranded;
pub mod config;
pub mod error;
pub mod fps;
pub mod ids;
pub mod ledger;
pub mod logging;
pub mod sandbox;
pub mod seed;
pub mod server;
pub mod signature;
pub mod store;
pub mod worlds;
