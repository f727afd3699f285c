"""What leaves the project: programs that stand alone, for experts who have nothing else of ours."""
