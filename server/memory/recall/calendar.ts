/** Forms of the names of days and months, for regular expressions. */

export const DAYS = '(?:mon|tues?|wed(?:s|nes)?|thu(?:rs?)?|fri|sat(?:ur)?|sun)(?:days?)?'
export const MONTHS =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)'

/** A whole word that is one. */
export const DAY_OR_MONTH = new RegExp(`^(?:${DAYS}|${MONTHS})$`, 'iu')
