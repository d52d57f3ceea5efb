//! `fps-sandbox call`: signs a request, sends it and prints the response.

use std::process::ExitCode;

use clap::Args;

use super::request_args::{RequestArgs, demo_ids_help};
use super::{CliError, http, print, xml};

pub(super) fn after_help() -> String {
    format!(
        "\
Examples:
  fps-sandbox call Action=GetDebtBalance CreditInstrumentId=553I…
  fps-sandbox call Action=Pay SenderTokenId=… TransactionAmount=10
  fps-sandbox call --endpoint http://127.0.0.1:9000 Action=GetTransaction …

{}

Exit codes: 0 success; 1 an FPS error, which the XML names; 2 the command line is wrong; 3 no sandbox answers.",
        demo_ids_help()
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
    pub(super) fn run(self) -> Result<ExitCode, CliError> {
        if self.request.is_cobranded() {
            return Err(CliError::usage(
                "the Co-Branded pages are for a browser; `fps-sandbox sign` prints the URL to open",
            ));
        }
        let request = self.request.sign()?;
        let endpoint = &request.endpoint;
        if endpoint.is_secure() {
            return Err(CliError::usage(format!(
                "call speaks plain HTTP only; for {endpoint} use `fps-sandbox sign --curl` and curl with --cacert"
            )));
        }
        let response = http::send(&request).map_err(|reason| {
            CliError::unreachable(format!(
                "no sandbox answers at {endpoint} ({reason}); start one with `fps-sandbox`, or say where it is with --endpoint"
            ))
        })?;
        print::to_stderr(&response.status_line);
        if let Some(report) = &response.signature_report {
            print::to_stderr(&format!("X-Sandbox-Signature: {report}"));
        }
        print::to_stdout(&xml::indented(&response.body))?;
        Ok(if response.is_success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
