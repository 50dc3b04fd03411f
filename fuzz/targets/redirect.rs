#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| http_async_client::entry_points::redirect::run(input));
