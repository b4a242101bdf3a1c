"""What is worth a remark about a policy file that is valid."""
