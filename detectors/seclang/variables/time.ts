import { scalarVariable } from './scalar.js'
import type { TransactionState } from '../state.js'

function at(state: TransactionState): Date {
  return new Date(state.tx.startedAt)
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}

/** Local time of the machine, as in ModSecurity: HH:MM:SS. */
export const time = scalarVariable('TIME', (state) => {
  const date = at(state)
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`
})
export const timeDay = scalarVariable('TIME_DAY', (state) => String(at(state).getDate()))
/** Seconds since 1970. */
export const timeEpoch = scalarVariable('TIME_EPOCH', (state) =>
  String(Math.floor(state.tx.startedAt / 1000)),
)
export const timeHour = scalarVariable('TIME_HOUR', (state) => String(at(state).getHours()))
export const timeMin = scalarVariable('TIME_MIN', (state) => String(at(state).getMinutes()))
/** 0 to 11. */
export const timeMon = scalarVariable('TIME_MON', (state) => String(at(state).getMonth()))
export const timeSec = scalarVariable('TIME_SEC', (state) => String(at(state).getSeconds()))
/** 0 (Sunday) to 6. */
export const timeWday = scalarVariable('TIME_WDAY', (state) => String(at(state).getDay()))
export const timeYear = scalarVariable('TIME_YEAR', (state) => String(at(state).getFullYear()))

/** Microseconds since the transaction began. */
export const duration = scalarVariable('DURATION', (state) =>
  String(Math.max(0, Math.round((state.tx.now() - state.tx.startedAt) * 1000))),
)
