// A rule that is being written.

export interface Draft {
  expression: string;
  action: string;
  name: string;
}
