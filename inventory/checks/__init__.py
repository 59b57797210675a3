"""What is wrong with an inventory or still lacking: every check looks at the documents as written."""
