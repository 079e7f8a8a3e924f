/**
 * Eight frames of H.264, 64 x 48: grays of 20, 50, ... 230. The first and the sixth are key frames. Made by x264 through PyAV:
 * `keyint=5:bframes=0:repeat-headers=1:annexb=1`, tune zerolatency.
 *
 * @module
 */
const TEXTS = [
  "AAAAAWdkAAqsTCIj0IAAAAMAgAAACkeJEwjAAAAAAWjoQwRLIsAAAAEGBf//TtxF6b3m2Ui3lizYINkj7u94MjY0IC0gY29yZSAxNjUgLSBILjI2NC9NUEVHLTQgQVZDIGNvZGVjIC0gQ29weWxlZnQgMjAwMy0yMDI1IC0gaHR0cDovL3d3dy52aWRlb2xhbi5vcmcveDI2NC5odG1sIC0gb3B0aW9uczogY2FiYWM9MSByZWY9MTYgZGVibG9jaz0xOjA6MCBhbmFseXNlPTB4MzoweDEzMyBtZT11bWggc3VibWU9MTAgcHN5PTEgcHN5X3JkPTEuMDA6MC4wMCBtaXhlZF9yZWY9MSBtZV9yYW5nZT0yNCBjaHJvbWFfbWU9MSB0cmVsbGlzPTIgOHg4ZGN0PTEgY3FtPTAgZGVhZHpvbmU9MjEsMTEgZmFzdF9wc2tpcD0xIGNocm9tYV9xcF9vZmZzZXQ9LTIgdGhyZWFkcz0xIGxvb2thaGVhZF90aHJlYWRzPTEgc2xpY2VkX3RocmVhZHM9MCBucj0wIGRlY2ltYXRlPTEgaW50ZXJsYWNlZD0wIGJsdXJheV9jb21wYXQ9MCBjb25zdHJhaW5lZF9pbnRyYT0wIGJmcmFtZXM9MCB3ZWlnaHRwPTIga2V5aW50PTUga2V5aW50X21pbj0xIHNjZW5lY3V0PTQwIGludHJhX3JlZnJlc2g9MCByYz1jcmYgbWJ0cmVlPTAgY3JmPTMwLjAgcWNvbXA9MC42MCBxcG1pbj0wIHFwbWF4PTY5IHFwc3RlcD00IGlwX3JhdGlvPTEuNDAgYXE9MToxLjAwAIAAAAFliIICX/72rvzLKtwQlS4dWXtLG5e4d60oPhjB",
  "AAAAAUGaHGwfA2IN//7WlCw=",
  "AAAAAUGaKTwQQQZDYPgcIPgbAQc//tapDw==",
  "AAAAAUGaOXwQQQeQ2D4HCD4GwBBz//7WqQ4=",
  "AAAAAUGaSbwQQQfkNg+B0g+BwAEHP/7WqQ8=",
  "AAAAAWdkAAqsTCIj0IAAAAMAgAAACkeJEwjAAAAAAWjoQwRLIsAAAAFliIEA5//+98nvwKa4M3tb+Tz0j4e8ZQD6wZq+vds=",
  "AAAAAUGaHGwfA+IN//7WlC0=",
  "AAAAAUGaKTwQQQZD4H4HSB+BwBBz//7WqQ8=",
];

/** The frames as messages. */
export const frames = TEXTS.map((text) => ({
  data: Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0)),
  format: "h264",
}));
