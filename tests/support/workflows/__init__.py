"""A small runner of GitHub workflows and composite actions, for steps that are really run."""
