// Package jobserver is a client of GNU make's jobserver: a program that make runs
// asks it how many jobs more than one it may run, so that "make -j8" means 8 for
// everything below it.
package jobserver
