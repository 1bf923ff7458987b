// Package readme holds no code, only a test that README.md tells the truth.
package readme
