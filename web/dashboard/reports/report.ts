// What a visitor wrote, as the inbox has it.

export interface Report {
  at: string | number;
  zone: string;
  host: string;
  ray: string;
  seen: string;
  note: string;
  address: string;
  ip: string;
  user_agent: string;
  handled: { at: number; who: string; what: string; note: string } | null;
  event: Record<string, string | number> | null;
}
