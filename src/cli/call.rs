//! `fps-sandbox call`: a signed request, sent.

use std::process::ExitCode;

use clap::Args;

use super::arguments::{RequestArgs, demo_ids};
use super::{Failure, http, print, xml};

pub(super) fn after_help() -> String {
    format!(
        "\
Examples:
  fps-sandbox call Action=GetDebtBalance CreditInstrumentId=553I…
  fps-sandbox call Action=Pay SenderTokenId=… TransactionAmount=10
  fps-sandbox call --endpoint http://127.0.0.1:9000 Action=GetTransaction …

{}

Exit codes: 0 success; 1 an FPS error, which the XML names; 2 the command line is wrong; 3 no sandbox answers.",
        demo_ids()
    )
}

/// Sign a request, send it, and print the answer, indented.
///
/// The XML goes to standard output, the status line to standard error.
#[derive(Debug, Args)]
pub(super) struct Call {
    #[command(flatten)]
    request: RequestArgs,
}

impl Call {
    pub(super) fn run(self) -> Result<ExitCode, Failure> {
        if self.request.is_visit() {
            return Err(Failure::usage(
                "the Co-Branded pages are for a browser; `fps-sandbox sign` prints the URL to open",
            ));
        }
        let signed = self.request.signed()?;
        let endpoint = &signed.endpoint;
        if endpoint.is_secure() {
            return Err(Failure::usage(format!(
                "call speaks plain HTTP only; for {endpoint} use `fps-sandbox sign --curl` and curl with --cacert"
            )));
        }
        let answer = http::send(&signed).map_err(|reason| {
            Failure::unreachable(format!(
                "no sandbox answers at {endpoint} ({reason}); start one with `fps-sandbox`, or say where it is with --endpoint"
            ))
        })?;
        print::note(&answer.status_line);
        if let Some(report) = &answer.signature_report {
            print::note(&format!("X-Sandbox-Signature: {report}"));
        }
        print::out(&xml::indented(&answer.body))?;
        Ok(if answer.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
