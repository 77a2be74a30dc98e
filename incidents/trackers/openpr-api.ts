import { z } from 'zod'

/** An issue as both of OpenPR's interfaces give it; search results lack some members. */
export const openprIssue = z.object({
  id: z.uuid(),
  project_id: z.uuid().optional(),
  description: z.string().nullish(),
  created_by: z.uuid().nullish(),
})
export const openprComment = z.object({ body: z.string() })
export const openprLabel = z.object({ id: z.uuid(), name: z.string() })
export const openprProject = z.object({ id: z.uuid(), key: z.string().max(64) })

export type OpenPrIssue = z.output<typeof openprIssue>

export interface NewIssue {
  readonly title: string
  readonly description: string
  readonly state: string
  readonly priority: 'low' | 'medium' | 'high' | 'urgent'
  readonly assignee_id?: string
}

export interface IssueChange {
  readonly state?: string
  readonly assignee_id?: string
}

/** What we use of OpenPR; its REST interface and its MCP server both offer it. */
export interface OpenPrApi {
  project(id: string, signal: AbortSignal): Promise<z.output<typeof openprProject>>
  createIssue(project: string, issue: NewIssue, signal: AbortSignal): Promise<OpenPrIssue>
  /** Issues of the project whose text holds `text`. */
  searchIssues(project: string, text: string, signal: AbortSignal): Promise<readonly OpenPrIssue[]>
  updateIssue(id: string, change: IssueChange, signal: AbortSignal): Promise<void>
  createComment(issue: string, content: string, signal: AbortSignal): Promise<void>
  comments(issue: string, signal: AbortSignal): Promise<readonly { readonly body: string }[]>
  labels(project: string, signal: AbortSignal): Promise<readonly z.output<typeof openprLabel>[]>
  addLabels(issue: string, labels: readonly string[], signal: AbortSignal): Promise<void>
  close(): Promise<void>
}
