package main

func latencyPage([]world) string { return "" }
