"""A small API of our own, for users who have no description at hand."""

from __future__ import annotations

from typing import Final

NAME: Final = "tasks.openapi.yml"
DESCRIPTION: Final = """\
# A small API to try things out with: a mock answers from this description, so that no server is needed.
openapi: 3.1.0
info: {title: Tasks, version: 1.0.0}
servers:
  - url: https://tasks.example.com
paths:
  /tasks:
    post:
      operationId: createTask
      summary: Create a task
      tags: [tasks]
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [title]
              properties:
                title: {type: string, examples: [Water the plants]}
      responses:
        "201":
          description: The task is created.
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Task"}
  /tasks/{taskId}:
    parameters:
      - {name: taskId, in: path, required: true, schema: {type: string}}
    get:
      operationId: getTask
      summary: Get a task
      tags: [tasks]
      responses:
        "200":
          description: The task.
          content:
            application/json:
              schema: {$ref: "#/components/schemas/Task"}
    delete:
      operationId: deleteTask
      summary: Delete a task
      tags: [tasks]
      responses:
        "204": {description: The task is deleted.}
components:
  schemas:
    Task:
      type: object
      required: [id, title]
      properties:
        id: {type: string, examples: [task-1]}
        title: {type: string, examples: [Water the plants]}
        done: {type: boolean, examples: [false]}
"""
