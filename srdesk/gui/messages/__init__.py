"""What the desk says: banner, questions, failures with their remedy, log and help texts."""
