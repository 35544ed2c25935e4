#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| bpconform::outside::feed("credentials", bytes));
