"""The words for reason codes. French: U+202F before ; ! ?, U+00A0 before : and inside « »."""

from __future__ import annotations

CHOSEN = {
    "en": {
        "load": "You have the lightest load of {n} people who may do “{kind}”.",
        "given_today": "You share the lightest load and were given the least today, of {n} people who may do “{kind}”.",
        "turn": "It is your turn among {n} people who may do “{kind}”.",
        "only": "You are the only one who may do “{kind}” now.",
        "favourite": "You know this customer's file best.",
        "draw": "Of {n} people who may do “{kind}”, all equal today, a draw chose you.",
    },
    "fr": {
        "load": "Votre charge est la plus légère des {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "given_today": "Votre charge est parmi les plus légères et vous avez reçu le moins de tâches aujourd'hui, "
        "sur {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "turn": "C'est votre tour parmi les {n} personnes qui peuvent traiter «\u00a0{kind}\u00a0».",
        "only": "Personne d'autre ne peut traiter «\u00a0{kind}\u00a0» en ce moment.",
        "favourite": "C'est vous qui connaissez le mieux le dossier de ce client.",
        "draw": "Parmi {n} personnes à égalité qui peuvent traiter «\u00a0{kind}\u00a0», un tirage vous a désigné.",
    },
}

PULLED = {
    "en": {False: "It was the next task you may take.", True: "You picked this task yourself."},
    "fr": {False: "C'était la prochaine tâche à votre portée.", True: "Vous avez choisi cette tâche vous-même."},
}

OTHERS = {
    "en": "Somebody else came first for this task.",
    "fr": "Quelqu'un d'autre passait avant vous pour cette tâche.",
}

FREE = {
    "en": "It is there for whoever asks for the next task.",
    "fr": "Elle attend la prochaine personne qui demandera une tâche.",
}
NOBODY = {"en": "Nobody may take it now: {}.", "fr": "Personne ne peut la prendre en ce moment\u00a0: {}."}
JOIN = {"en": "; ", "fr": "\u202f; "}

REASONS = {
    "en": {
        "inactive": "people have left",
        "queue_paused": "the queue is paused",
        "not_in_pool": "people do not serve this queue now",
        "pool_closed": "no help is called in yet",
        "front_line_first": "customers come first",
        "share_used": "the share of the day for this work is used up",
        "attribute_missing": "people lack a language, region or right it asks for",
        "skill_missing": "people lack the skill",
        "skill_too_low": "people's skill is below the level it asks for",
        "absent": "people are absent",
        "off_shift": "people are off shift",
        "presence_busy": "people are busy",
        "presence_away": "people are away",
        "presence_offline": "people are offline",
        "not_by": "a second pair of eyes is needed",
        "conflict_of_interest": "people have a conflict of interest",
        "declined": "people declined it a short while ago",
        "absent_before_due": "people will be absent when it falls due",
        "ramping": "people are just back and get less for now",
        "at_capacity": "people are at capacity",
        "pool_empty": "no one serves this queue",
    },
    "fr": {
        "inactive": "des personnes sont parties",
        "queue_paused": "la file est suspendue",
        "not_in_pool": "des personnes ne servent pas cette file en ce moment",
        "pool_closed": "le renfort n'est pas encore appelé",
        "front_line_first": "les clients passent d'abord",
        "share_used": "la part de journée prévue pour ce travail est épuisée",
        "attribute_missing": "il manque une langue, une région ou un droit demandé",
        "skill_missing": "il manque la compétence",
        "skill_too_low": "le niveau de compétence est insuffisant",
        "absent": "des personnes sont absentes",
        "off_shift": "des personnes sont hors de leurs horaires",
        "presence_busy": "des personnes sont occupées",
        "presence_away": "des personnes sont en pause",
        "presence_offline": "des personnes sont déconnectées",
        "not_by": "un second regard est nécessaire",
        "conflict_of_interest": "des personnes ont un conflit d'intérêts",
        "declined": "des personnes l'ont refusée il y a peu",
        "absent_before_due": "des personnes seront absentes à l'échéance",
        "ramping": "des personnes viennent de revenir et reçoivent moins pour l'instant",
        "at_capacity": "des personnes ont atteint leur capacité",
        "pool_empty": "personne ne sert cette file",
    },
}

NOT_YOU = {
    "en": {
        "inactive": "Your account is not active.",
        "queue_paused": "The queue is paused.",
        "not_in_pool": "You do not serve this queue now.",
        "pool_closed": "Your team is not called in to help yet.",
        "front_line_first": "A customer is waiting for you first.",
        "share_used": "You have done your share of this work for today.",
        "attribute_missing": "It asks for a language, region or right you do not have.",
        "skill_missing": "It asks for a skill you do not have.",
        "skill_too_low": "It asks for a higher level of skill than yours.",
        "absent": "You are marked as absent.",
        "off_shift": "You are off shift.",
        "presence_busy": "You are marked as busy.",
        "presence_away": "You are marked as away.",
        "presence_offline": "You are marked as offline.",
        "not_by": "Somebody else must do it: you did the part it checks.",
        "conflict_of_interest": "You have a conflict of interest with it.",
        "declined": "You declined it a short while ago.",
        "absent_before_due": "You will be absent when it falls due.",
        "ramping": "You are just back: you get less work for now.",
        "at_capacity": "You hold as much as your capacity allows.",
    },
    "fr": {
        "inactive": "Votre compte n'est pas actif.",
        "queue_paused": "La file est suspendue.",
        "not_in_pool": "Vous ne servez pas cette file en ce moment.",
        "pool_closed": "Votre équipe n'est pas encore appelée en renfort.",
        "front_line_first": "Un client vous attend d'abord.",
        "share_used": "Vous avez fait votre part de ce travail pour aujourd'hui.",
        "attribute_missing": "Elle demande une langue, une région ou un droit que vous n'avez pas.",
        "skill_missing": "Elle demande une compétence que vous n'avez pas.",
        "skill_too_low": "Elle demande un niveau de compétence supérieur au vôtre.",
        "absent": "Une absence est enregistrée pour vous.",
        "off_shift": "Vous êtes hors de vos horaires.",
        "presence_busy": "Votre état est «\u00a0occupé\u00a0».",
        "presence_away": "Votre état est «\u00a0en pause\u00a0».",
        "presence_offline": "Votre état est «\u00a0déconnecté\u00a0».",
        "not_by": "Quelqu'un d'autre doit la faire\u00a0: elle vérifie votre travail.",
        "conflict_of_interest": "Vous avez un conflit d'intérêts avec elle.",
        "declined": "Vous l'avez refusée il y a peu.",
        "absent_before_due": "Vous serez absent à l'échéance.",
        "ramping": "Vous venez de revenir\u00a0: vous recevez moins de travail pour l'instant.",
        "at_capacity": "Vous avez atteint votre capacité.",
    },
}
